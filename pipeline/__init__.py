"""Pipeline: in which order the stages run, on which machine, and what a person sees of it."""
