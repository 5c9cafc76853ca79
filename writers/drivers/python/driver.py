"""One numbered line after another through a Python logging library.

Usage: driver.py WRITER DIR LINES PAUSE_MICROSECONDS SIZE
Each library rotates at about SIZE bytes and keeps far more generations than one run makes.
"""
import logging
import logging.handlers
import os
import sys
import time

KEEP = 400


def stdlib(handler):
    handler.setFormatter(logging.Formatter("%(message)s"))
    log = logging.getLogger("driver")
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    return log.info, handler.close


def rotating(path, size):
    return stdlib(logging.handlers.RotatingFileHandler(path, maxBytes=size, backupCount=KEEP))


def timed(path, size):
    return stdlib(logging.handlers.TimedRotatingFileHandler(path, when="S", interval=1, backupCount=KEEP))


def namer(path, size):
    """The documented namer and rotator recipe: compress as the file is rotated away."""
    import gzip
    import shutil

    handler = logging.handlers.RotatingFileHandler(path, maxBytes=size, backupCount=KEEP)
    handler.namer = lambda name: name + ".gz"

    def rotate(source, dest):
        with open(source, "rb") as fin, gzip.open(dest, "wb") as fout:
            shutil.copyfileobj(fin, fout)
        os.remove(source)

    handler.rotator = rotate
    return stdlib(handler)


def loguru(path, size, compression=None):
    from loguru import logger

    logger.remove()
    logger.add(path, rotation=size, retention=KEEP, compression=compression, format="{message}")
    return logger.info, logger.remove


def loguru_gz(path, size):
    return loguru(path, size, "gz")


def concurrent(path, size):
    from concurrent_log_handler import ConcurrentRotatingFileHandler

    return stdlib(ConcurrentRotatingFileHandler(path, "a", size, KEEP))


def concurrent_gz(path, size):
    from concurrent_log_handler import ConcurrentRotatingFileHandler

    return stdlib(ConcurrentRotatingFileHandler(path, "a", size, KEEP, use_gzip=True))


def twisted(path, size):
    from twisted.python.logfile import LogFile

    f = LogFile(os.path.basename(path), os.path.dirname(path), rotateLength=size)

    def write(line):
        f.write(line + "\n")
        f.flush()

    return write, f.close


def twisted_daily(path, size):
    """DailyLogFile with its date function replaced by one that turns over each second."""
    from twisted.python.logfile import DailyLogFile

    class Secondly(DailyLogFile):
        def toDate(self, *args):
            return time.localtime(*args)[:6]

    f = Secondly(os.path.basename(path), os.path.dirname(path))

    def write(line):
        f.write(line + "\n")
        f.flush()

    return write, f.close


def watched(path, size):
    return stdlib(logging.handlers.WatchedFileHandler(path))


WRITERS = {
    "python-rotating": rotating,
    "python-timed": timed,
    "python-namer-gz": namer,
    "loguru": loguru,
    "loguru-gz": loguru_gz,
    "concurrent-log-handler": concurrent,
    "concurrent-log-handler-gz": concurrent_gz,
    "twisted": twisted,
    "twisted-daily": twisted_daily,
    "python-watched": watched,
}


def main():
    name, directory, lines, pause, size = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
    write, close = WRITERS[name](os.path.join(directory, "app.log"), size)
    for number in range(1, lines + 1):
        write("line %08d %s" % (number, "x" * (40 + number % 60)))
        if pause:
            time.sleep(pause / 1e6)
    close()


main()
