"""Filter: all the policy. Candidates in, blind pairs out, and a reason for each that is left out."""
