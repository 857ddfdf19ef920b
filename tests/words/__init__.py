"""What the words of a look mean, told once more: slowly, in lists and loops, and apart from the package.

Every function here quotes the sentence that it follows. Nothing is imported from the package, so that two readings
of the same words can be held against each other.
"""
