"""What tests need to drive the installed program from outside, and nothing of the program itself.

standin.py   a Bot API that records every request, and fails as told    http.py  HTTP/1.1, by hand
program.py   `dripline …` as a real process, its log and its ports      folder.py  content folders
evidence.py  what a database holds, read past the program
"""
