"""What `smoke` asks the service, and how the answers are read: experiments and questions as data. Pure."""
