"""question + passages -> an answer: the prompt, the chat models, and the citations."""
