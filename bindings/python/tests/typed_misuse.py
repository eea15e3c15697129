# SPDX-License-Identifier: Apache-2.0
"""Mistakes that the type checker finds: one on each line that ends in `# wrong`."""
from typing import Optional

import sentiment

sentiment.Model('path')  # wrong
model = sentiment.Model.load('path', threads='2')  # wrong
model.predict(7)  # wrong
label: int = model.predict('text').label  # wrong
model.predict_batch(['a', None])[0].label  # wrong
model.stream().feed(None)  # wrong
missing: Optional[str] = model.no_such_thing  # wrong
