"""What organisations owe in every period: the plan, what of it is done, late or made up."""
