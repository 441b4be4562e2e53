"""What users write: nodes, pods, their rules, and the cluster that holds them."""
