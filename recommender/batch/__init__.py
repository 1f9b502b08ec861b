"""All companies against all products: partitions of rows, each finished whole or not at all.

`places` says where input and output are, `inputs` cuts the input into partitions, `partition` is
the one function that answers for a batch of companies, `parts` writes and verifies what became of a
partition, `jobs` is a run as plain JSON, `work` does one partition of it, and `local` and `spark`
share the partitions among processes or machines. `runs` starts, resumes and ends a run.
"""
