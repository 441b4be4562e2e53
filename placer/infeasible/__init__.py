"""Why pods cannot all be placed: the rules and pods that conflict, no more of them than it takes."""
