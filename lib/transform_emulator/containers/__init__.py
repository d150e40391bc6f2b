"""Model containers: started, asked over kept connections, ended."""
