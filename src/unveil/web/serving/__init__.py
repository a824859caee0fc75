"""`unveil serve`: the page and an API on this machine, for photographs that strangers may send.

`app` has the routes, `guard` decides who may ask, `queue` holds the jobs, and `workers` the processes that run `work`.
"""
