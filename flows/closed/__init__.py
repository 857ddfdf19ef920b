"""The page of a closed report: by arm, for those who may know it."""
