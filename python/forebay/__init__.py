"""The Python side of Forebay: a zygote that forks workers, and workers that run applications."""
