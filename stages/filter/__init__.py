"""Filter: all the policy. Candidates in, blind pairs out, and a reason for each pair that is left out."""
