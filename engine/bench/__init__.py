"""``tradewedge bench``: what a solve costs here, on every backend, in one report.

Every case runs under pytest-benchmark, in a process of its own per backend, so that JAX on the
processor, JAX on a GPU and CuPy do not meet. ``cases.py`` says what is measured, ``suite.py``
measures it, ``look.py`` and ``roofline.py`` describe the machine, ``launch.py`` runs it all,
``merge.py`` reads the JSON files of one or several machines and ``report.py`` makes pages of them.
"""
