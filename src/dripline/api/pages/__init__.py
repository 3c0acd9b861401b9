"""Pages for contacts: their wishes, the way out of email, the answer to a verification.

Signed links lead here. The pages need no JavaScript, load nothing from elsewhere and set no cookie;
a GET changes nothing, for scanners follow links.
"""
