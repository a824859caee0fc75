"""Builds openhead.npz from MakeHuman's data and ICT-FaceKit's heads; see ``build.py``."""
