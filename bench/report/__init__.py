# SPDX-License-Identifier: MIT
"""What a run of ./bench/run found: read, judged, drawn as a page, written as a document."""
