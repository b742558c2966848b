"""Records: their schema, the store on disk, the environment's facts."""
