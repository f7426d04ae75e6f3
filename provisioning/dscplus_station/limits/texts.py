"""The text message with a code (R22). `{code}`: six digits; `{issuer}`: a name; `{minutes}`: how many."""

CODE = "{code} confirms your mobile number for {issuer}. It is valid for {minutes} minutes."
