package main

import "slices"

// writer is one program under one configuration.
type writer struct {
	Name    string // also what the driver is told
	Version string
	Driver  string // go, python, node, java, cpp, ruby, perl, containers, shell
	Does    string // what it does to its files, for the page
	Path    string // the entry's path an operator would write first, below the directory
	Glob    string // the glob over all of its names, below the directory
	Extra   map[string]any
	Own     string // what the writer itself may lose, for the page; empty: nothing
}

// log is what most writers call their file; all covers what they make of it.
const (
	log = "app.log"
	all = "app*"
)

// catalog lists the writers in the order of the page.
func catalog() []writer {
	return slices.Concat(pythons(), javas(), nodes(), natives(), systems(), services())
}

func pythons() []writer {
	return []writer{
		{Name: "python-rotating", Version: "Python 3.11", Driver: "python", Path: log, Glob: all, Does: "app.log → app.log.1 → app.log.2, sliding"},
		{Name: "python-timed", Version: "Python 3.11", Driver: "python", Path: log, Glob: all, Does: "app.log → app.log.DATE"},
		{Name: "python-namer-gz", Version: "Python 3.11", Driver: "python", Path: log, Glob: all, Does: "compressed while rotated: app.log.1.gz"},
		{Name: "loguru", Version: "loguru 0.7.3", Driver: "python", Path: log, Glob: all, Does: "app.log → app.DATE.log"},
		{Name: "loguru-gz", Version: "loguru 0.7.3", Driver: "python", Path: log, Glob: all, Does: "app.log → app.DATE.log.gz"},
		{Name: "concurrent-log-handler", Version: "concurrent-log-handler 0.9.31", Driver: "python", Path: log, Glob: all, Does: "app.log → app.log.1, sliding, under a lock file"},
		{Name: "concurrent-log-handler-gz", Version: "concurrent-log-handler 0.9.31", Driver: "python", Path: log, Glob: all, Does: "app.log → app.log.1.gz, sliding"},
		{Name: "twisted", Version: "Twisted 26.10.0", Driver: "python", Path: log, Glob: all, Does: "app.log → app.log.1, sliding"},
		{Name: "twisted-daily", Version: "Twisted 26.10.0", Driver: "python", Path: log, Glob: all, Does: "app.log → app.log.Y_M_D…"},
		{Name: "ruby-logger", Version: "Ruby 3.1 Logger", Driver: "ruby", Path: log, Glob: all, Does: "app.log → app.log.0, sliding"},
		{Name: "perl-filerotate", Version: "Log::Dispatch::FileRotate 1.19", Driver: "perl", Path: log, Glob: all, Does: "app.log → app.log.1, sliding"},
	}
}

func javas() []writer {
	return []writer{
		{Name: "logback-fixed", Version: "logback 1.5.20", Driver: "java", Path: log, Glob: all, Does: "FixedWindow: app.log → app.1.log, sliding"},
		{Name: "logback-fixed-zip", Version: "logback 1.5.20", Driver: "java", Path: log, Glob: all, Does: "FixedWindow: app.log → app.1.log.zip, sliding"},
		{Name: "logback-time", Version: "logback 1.5.20", Driver: "java", Path: log, Glob: all, Does: "app.log → app.DATE.log"},
		{Name: "logback-time-gz", Version: "logback 1.5.20", Driver: "java", Path: log, Glob: all, Does: "app.log → app.DATE.log.gz, by way of a temporary name"},
		{Name: "logback-nofile", Version: "logback 1.5.20", Driver: "java", Path: "app.*.log", Glob: all, Does: "no active name: app.DATE.log each time"},
		{Name: "log4j2-i-ext", Version: "log4j2 2.25.5", Driver: "java", Path: log, Glob: all, Does: "app.log → app-1.log, app-2.log, rising"},
		{Name: "log4j2-min", Version: "log4j2 2.25.5", Driver: "java", Path: log, Glob: all, Does: "fileIndex=min: app.log → app.log.1, sliding"},
		{Name: "log4j2-nomax", Version: "log4j2 2.25.5", Driver: "java", Path: log, Glob: all, Does: "fileIndex=nomax: app.log → app.log.1, app.log.2, rising"},
		{Name: "log4j2-gz", Version: "log4j2 2.25.5", Driver: "java", Path: log, Glob: all, Does: "app.log → app-1.log.gz, rising"},
		{Name: "log4j2-archive", Version: "log4j2 2.25.5", Driver: "java", Path: log, Glob: "**/app*", Does: "app.log → archive/yyyy-MM/app-DATE-1.log.gz"},
		{Name: "log4j2-direct", Version: "log4j2 2.25.5", Driver: "java", Path: "app-*.log", Glob: all, Does: "DirectWrite: no active name, app-DATE-1.log, rising"},
		{Name: "log4j2-random", Version: "log4j2 2.25.5", Driver: "java", Path: log, Glob: all, Does: "RollingRandomAccessFile: app.log → app.log.1, rising"},
		{Name: "log4j2-mapped", Version: "log4j2 2.25.5", Driver: "java", Path: log, Glob: all, Does: "MemoryMappedFile: NULs behind the data, in regions of 1 MiB"},
		{Name: "java-util-logging", Version: "OpenJDK 17", Driver: "java", Path: "app.0.log", Glob: "app.?.log", Does: "app.0.log is written; app.1.log is the newest old one"},
		{Name: "jboss-logmanager", Version: "jboss-logmanager 3.1.2", Driver: "java", Path: log, Glob: all, Does: "app.log → app.log.1, sliding"},
		{Name: "tinylog", Version: "tinylog 2.7.0", Driver: "java", Path: "latest.log", Glob: "app.*.log", Does: "app.0.log, app.1.log, rising; latest.log is a hard link to the newest"},
	}
}

func nodes() []writer {
	return []writer{
		{Name: "winston", Version: "winston 3.19.0", Driver: "node", Path: log, Glob: all, Does: "app.log, then app1.log, app2.log are written, app.log never again: take the glob"},
		{Name: "winston-tailable", Version: "winston 3.19.0", Driver: "node", Path: log, Glob: all, Does: "app.log → app1.log, sliding"},
		{Name: "winston-daily-rotate-file", Version: "winston-daily-rotate-file 5.0.0", Driver: "node", Path: "current.log", Glob: "app-*.log", Does: "app-DATE.log; current.log is a symbolic link"},
		{Name: "pino-roll", Version: "pino-roll 4.0.0", Driver: "node", Path: "current.log", Glob: "app*.log", Does: "app.1.log, app.2.log, rising; current.log is a symbolic link"},
		{Name: "log4js", Version: "log4js 6.9.1", Driver: "node", Path: log, Glob: all, Does: "app.log → app.log.1, sliding"},
		{Name: "log4js-keepext", Version: "log4js 6.9.1", Driver: "node", Path: log, Glob: all, Does: "app.log → app.1.log, sliding"},
		{Name: "log4js-gz", Version: "log4js 6.9.1", Driver: "node", Path: log, Glob: all, Does: "app.log → app.log.1.gz, sliding"},
		{Name: "bunyan", Version: "bunyan 2.0.5", Driver: "node", Path: log, Glob: all, Does: "app.log → app.log.0, sliding"},
		{Name: "rotating-file-stream", Version: "rotating-file-stream 3.2.10", Driver: "node", Path: log, Glob: "*app.log", Does: "app.log → DATE-01-app.log"},
		{Name: "rotating-file-stream-gz", Version: "rotating-file-stream 3.2.10", Driver: "node", Path: log, Glob: "*app.log*", Does: "app.log → DATE-01-app.log.gz"},
	}
}

func natives() []writer {
	return []writer{
		{Name: "lumberjack", Version: "lumberjack 2.2.1", Driver: "go", Path: log, Glob: all, Does: "app.log → app-DATE.log"},
		{Name: "lumberjack-gz", Version: "lumberjack 2.2.1", Driver: "go", Path: log, Glob: all, Does: "app.log → app-DATE.log, then .gz"},
		{Name: "timberjack", Version: "timberjack 1.4.10", Driver: "go", Path: log, Glob: all, Does: "app.log → app-DATE-REASON.log, then .zst"},
		{Name: "file-rotatelogs", Version: "file-rotatelogs 2.4.0", Driver: "go", Path: log, Glob: "app.*.log", Does: "app.DATE.log; app.log is a symbolic link"},
		{Name: "klog", Version: "klog 2.140.0", Driver: "go", Path: "driver.INFO", Glob: "driver.*.log.INFO.*", Does: "driver.HOST.USER.log.INFO.DATE.PID; driver.INFO is a symbolic link", Own: "a second file within one second overwrites the first"},
		{Name: "glog", Version: "glog 1.2.5 (Go)", Driver: "go", Path: "driver.INFO", Glob: "driver.*.log.INFO.*", Does: "driver.HOST.USER.log.INFO.DATE.PID; driver.INFO is a symbolic link"},
		{Name: "spdlog", Version: "spdlog 1.10", Driver: "cpp", Path: log, Glob: all, Does: "app.log → app.1.log, sliding"},
		{Name: "log4cplus", Version: "log4cplus 2.0.8", Driver: "cpp", Path: log, Glob: all, Does: "app.log → app.log.1, sliding"},
		{Name: "glog-cpp", Version: "glog 0.6.0 (C++)", Driver: "cpp", Path: "driver.INFO", Glob: "driver.*.log.INFO.*", Does: "as glog for Go"},
		{Name: "boost-log", Version: "Boost.Log 1.74", Driver: "cpp", Path: log, Glob: all, Does: "app.log → app_00000.log, app_00001.log, rising"},
		{Name: "poco-number", Version: "Poco 1.11", Driver: "cpp", Path: log, Glob: all, Does: "app.log → app.log.0, sliding"},
		{Name: "poco-number-gz", Version: "Poco 1.11", Driver: "cpp", Path: log, Glob: all, Does: "app.log → app.log.0.gz, sliding", Own: "generations, where files fill up faster than they are compressed"},
		{Name: "poco-timestamp", Version: "Poco 1.11", Driver: "cpp", Path: log, Glob: all, Does: "app.log → app.log.DATE"},
		{Name: "log4cxx", Version: "log4cxx 1.0", Driver: "cpp", Path: log, Glob: all, Does: "FixedWindow: app.log → app.log.1, sliding"},
		{Name: "log4cxx-gz", Version: "log4cxx 1.0", Driver: "cpp", Path: log, Glob: all, Does: "FixedWindow: app.log → app.1.log.gz, sliding"},
		{Name: "flexi_logger", Version: "flexi_logger 0.31.10", Driver: "rust", Path: "app_rCURRENT.log", Glob: all, Does: "app_rCURRENT.log → app_r00000.log, rising"},
		{Name: "log4rs", Version: "log4rs 1.4", Driver: "rust", Path: log, Glob: all, Does: "app.log → app.0.log, sliding"},
		{Name: "file-rotate", Version: "file-rotate 0.8", Driver: "rust", Path: log, Glob: all, Does: "app.log → app.log.1, sliding"},
	}
}

func systems() []writer {
	return []writer{
		{Name: "logrotate-create", Version: "logrotate 3.21", Driver: "shell", Path: log, Glob: all, Does: "create and a signal: app.log.1, sliding"},
		{Name: "logrotate-compress", Version: "logrotate 3.21", Driver: "shell", Path: log, Glob: all, Does: "compress: app.log.1.gz"},
		{Name: "logrotate-delaycompress", Version: "logrotate 3.21", Driver: "shell", Path: log, Glob: all, Does: "delaycompress: app.log.1, app.log.2.gz"},
		{Name: "logrotate-zstd", Version: "logrotate 3.21, zstd 1.5", Driver: "shell", Path: log, Glob: all, Does: "compresscmd zstd: app.log.1.zst"},
		{Name: "logrotate-dateext", Version: "logrotate 3.21", Driver: "shell", Path: log, Glob: all, Does: "dateext: app.log-DATE"},
		{Name: "logrotate-dateext-extension", Version: "logrotate 3.21", Driver: "shell", Path: log, Glob: all, Does: "dateext, extension: app-DATE.log"},
		{Name: "logrotate-extension", Version: "logrotate 3.21", Driver: "shell", Path: log, Glob: all, Does: "extension: app.1.log, sliding"},
		{Name: "logrotate-olddir", Version: "logrotate 3.21", Driver: "shell", Path: log, Glob: "**/app*", Does: "olddir: old/app.log.1"},
		{Name: "logrotate-shred", Version: "logrotate 3.21", Driver: "shell", Path: log, Glob: all, Does: "shred: overwritten before removal"},
		{Name: "logrotate-renamecopy", Version: "logrotate 3.21", Driver: "shell", Path: log, Glob: "**/app*", Does: "renamecopy into olddir"},
		{Name: "logrotate-copytruncate", Version: "logrotate 3.21", Driver: "shell", Path: log, Glob: all, Does: "copied to app.log.1, then truncated", Own: "what comes between the copy and the truncation"},
		{Name: "logrotate-copytruncate-gz", Version: "logrotate 3.21", Driver: "shell", Path: log, Glob: all, Does: "copied, truncated, compressed", Own: "what comes between the copy and the truncation"},
		{Name: "logrotate-copytruncate-dateext", Version: "logrotate 3.21", Driver: "shell", Path: log, Glob: all, Does: "copied to app-DATE.log, then truncated", Own: "what comes between the copy and the truncation"},
		{Name: "savelog", Version: "debianutils 5.7", Driver: "shell", Path: log, Glob: all, Does: "app.log → app.log.0 → app.log.1.gz"},
		{Name: "cron-mv", Version: "mv and a signal", Driver: "shell", Path: log, Glob: "**/app*", Does: "mv into archive/"},
		{Name: "svlogd", Version: "runit 2.1.2", Driver: "shell", Path: "current", Glob: "{current,@*}", Does: "current → @TAI64N.s"},
		{Name: "s6-log", Version: "s6 2.11", Driver: "shell", Path: "current", Glob: "{current,@*}", Does: "current → @TAI64N.s"},
		{Name: "multilog", Version: "daemontools 0.76", Driver: "shell", Path: "current", Glob: "{current,@*}", Does: "current → @TAI64N.s"},
		{Name: "rotatelogs", Version: "Apache 2.4.71", Driver: "shell", Path: "app.log.*", Glob: "app.log*", Does: "app.log.SECONDS, new name each time"},
		{Name: "rotatelogs-link", Version: "Apache 2.4.71", Driver: "shell", Path: "current", Glob: "app.*.log", Does: "app.DATE.log; current is a hard link"},
		{Name: "rotatelogs-n", Version: "Apache 2.4.71", Driver: "shell", Path: log, Glob: all, Does: "app.log, app.log.1 … app.log.49 in a circle: take the glob"},
		{Name: "cronolog", Version: "cronolog 1.6.2", Driver: "shell", Path: "app-*.log", Glob: all, Does: "app-DATE.log, new name each time"},
		{Name: "cronolog-link", Version: "cronolog 1.6.2", Driver: "shell", Path: "current", Glob: "app-*.log", Does: "app-DATE.log; current is a symbolic link to the first file, never moved: take the glob"},
		{Name: "supervisord", Version: "supervisor 4.3.0", Driver: "shell", Path: log, Glob: all, Does: "app.log → app.log.1, sliding"},
	}
}

// services are servers that rotate their own logs or have them rotated, and what runs containers.
func services() []writer {
	const gap = "what comes between the copy and the truncation"
	cri, docker := map[string]any{"format": "cri"}, map[string]any{"format": "docker"}
	return []writer{
		{Name: "postgres", Version: "PostgreSQL 15", Driver: "shell", Path: "app-*.log", Glob: all, Does: "log_filename with seconds, log_rotation_size: app-DATE.log, new name each time"},
		{Name: "postgres-json", Version: "PostgreSQL 15", Driver: "shell", Path: "app-*.json", Glob: all, Does: "log_destination jsonlog: app-DATE.json; app-DATE.log beside it has the first and last words only"},
		{Name: "postgres-truncate", Version: "PostgreSQL 15", Driver: "shell", Path: "app-*.log", Glob: all, Extra: map[string]any{"rotated": []string{"app-*.log"}}, Does: "log_truncate_on_rotation: app-00.log … app-59.log in a circle, each truncated when its turn comes again"},
		{Name: "nginx", Version: "nginx 1.22, logrotate 3.21", Driver: "shell", Path: log, Glob: all, Does: "create and USR1: app.log.1, sliding"},
		{Name: "nginx-buffer", Version: "nginx 1.22, logrotate 3.21", Driver: "shell", Path: log, Glob: all, Does: "access_log with buffer and flush, delaycompress: the buffer goes to the renamed file"},
		{Name: "json-file", Version: "moby 28.5.2 json-file", Driver: "containers", Path: "c0ffee-json.log", Glob: "c0ffee-json.log*", Extra: docker, Does: "ID-json.log → ID-json.log.1, sliding"},
		{Name: "json-file-gz", Version: "moby 28.5.2 json-file", Driver: "containers", Path: "c0ffee-json.log", Glob: "c0ffee-json.log*", Extra: docker, Does: "compress: ID-json.log.1, then ID-json.log.1.gz, sliding"},
		{Name: "kubelet", Version: "kubelet 1.36.3", Driver: "containers", Path: "app/0.log", Glob: "app/0.log*", Extra: cri, Does: "0.log → 0.log.DATE, at the next rotation .gz by way of .tmp"},
		{Name: "pm2-logrotate", Version: "pm2 7.0.4, pm2-logrotate 3.0.0", Driver: "shell", Path: log, Glob: all, Does: "copied to app__DATE.log, then truncated", Own: gap},
		{Name: "pm2-logrotate-gz", Version: "pm2 7.0.4, pm2-logrotate 3.0.0", Driver: "shell", Path: log, Glob: all, Does: "compressed to app__DATE.log.gz, then truncated", Own: gap},
	}
}
