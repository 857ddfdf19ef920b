"""The report of a look: one self-contained page, pooled and blinded."""
