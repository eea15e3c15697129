# SPDX-License-Identifier: Apache-2.0
"""Version of this package: that of the library which it goes with."""

VERSION = '0.3.0'
