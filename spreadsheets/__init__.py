"""Tables in files: CSV and Excel, read in a process of its own with limits, written so that no cell is a formula."""
