# One numbered line after another through Log::Dispatch::FileRotate.
#
# Usage: perl driver.pl WRITER DIR LINES PAUSE_MICROSECONDS SIZE
use strict;
use warnings;
use Log::Dispatch;
use Log::Dispatch::FileRotate;
use Time::HiRes qw(time sleep);

my (undef, $dir, $lines, $pause, $size) = @ARGV;
my $log = Log::Dispatch->new;
$log->add(Log::Dispatch::FileRotate->new(
    name => 'driver', min_level => 'info', filename => "$dir/app.log", mode => 'append', size => $size, max => 400));
my $began = time;
for my $n (1 .. $lines) {
    $log->info(sprintf("line %08d %s\n", $n, 'x' x (40 + $n % 60)));
    my $ahead = $n * $pause / 1e6 - (time - $began);
    sleep $ahead if $ahead > 0.001;
}
