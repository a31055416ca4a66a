"""The page: server-rendered, for people; composed with the API into one application."""
