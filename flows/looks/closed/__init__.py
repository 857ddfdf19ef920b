"""Report by arm, for those who may know it: the one part of the flows that reads who received what."""
