"""The Python side of Forebay: the zygote that forks workers, and the workers that run applications."""
