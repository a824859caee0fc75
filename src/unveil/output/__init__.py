"""The files of a result, and runs over many photographs."""
