"""Which passage bears a sentence?"""
