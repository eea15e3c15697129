# SPDX-License-Identifier: Apache-2.0
"""The guide's FastAPI service of bench/serve/guide_app.py as a module that uvicorn imports,
in as many workers as ours: GUIDE_FOLDER names the model's folder."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'serve'))

import guide_app

# The guide's pickle names the class so.
sys.modules['__main__'].SimpleTokenizer = guide_app.SimpleTokenizer
guide_app.state = guide_app.load(os.environ['GUIDE_FOLDER'])
app = guide_app.app
