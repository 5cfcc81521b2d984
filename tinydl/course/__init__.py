"""What belongs to the lessons and not to a library: the demo, the exercises, the document put to the test."""
