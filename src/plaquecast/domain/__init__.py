"""Things: the frozen types that pass between the steps."""
