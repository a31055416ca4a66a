"""Jobs: what time drives. The stages of the house are composed here and nowhere else."""
