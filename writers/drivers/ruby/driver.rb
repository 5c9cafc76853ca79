# One numbered line after another through Ruby's logger.
#
# Usage: ruby driver.rb WRITER DIR LINES PAUSE_MICROSECONDS SIZE
require 'logger'

_, dir, lines, pause, size = ARGV[0], ARGV[1], ARGV[2].to_i, ARGV[3].to_i, ARGV[4].to_i
log = Logger.new(File.join(dir, 'app.log'), 400, size)
log.formatter = proc { |_, _, _, message| "#{message}\n" }
began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
(1..lines).each do |n|
  log.info(format('line %08d %s', n, 'x' * (40 + n % 60)))
  ahead = n * pause / 1e6 - (Process.clock_gettime(Process::CLOCK_MONOTONIC) - began)
  sleep(ahead) if ahead > 0.001
end
log.close
