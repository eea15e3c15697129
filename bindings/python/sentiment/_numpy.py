# SPDX-License-Identifier: Apache-2.0
"""NumPy where it is installed; nothing here needs it."""
from __future__ import annotations

import sys
from typing import Any, Optional

_found: Any = None
_looked = False


def numpy() -> Optional[Any]:
    """The module, or None. Imported when it first helps, not before."""
    global _found, _looked
    if not _looked:
        try:
            import numpy as found  # pylint: disable=import-outside-toplevel
            _found = found
        except ImportError:
            _found = None
        _looked = True
    return _found


def is_array(thing: Any) -> bool:
    """Whether something is a NumPy array: then NumPy is loaded already."""
    module = sys.modules.get('numpy')
    return module is not None and isinstance(thing, module.ndarray)
