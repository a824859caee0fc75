"""`unveil serve`: the page and an API on this machine, for photographs that strangers may send.

`app` has the addresses, `guard` who may ask, `queue` the jobs, `workers` the processes that do them with `work`.
"""
