"""Look again at each past data cut-off with the data as they were known then, and say what delayed each rule."""
