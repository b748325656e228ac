"""The rooms of `raftfast.core` compiled by Cython; only their C types (*.pxd) are written here."""
