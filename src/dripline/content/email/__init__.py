"""What an email is: a message's text in a layout, prepared once, filled for each contact.

form = EmailForm(…)                          once per message and language
email = form.email(context, buttons)         for a contact: subject, values
parts = email.assemble(urls)                 for a delivery: its addresses
message = mime(parts, envelope)              the bytes that a mail server takes
"""
