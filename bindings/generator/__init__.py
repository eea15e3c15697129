# SPDX-License-Identifier: Apache-2.0
"""The header's reader (header), and one emitter a language."""
