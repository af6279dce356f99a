# Reads the files named on standard input with Sisimai; prints one JSON object for each, with the seconds that it took.
use strict;
use warnings;
use JSON::PP;
use Sisimai;
use Sisimai::Fact;
use Sisimai::Mail;

chomp(my @files = <STDIN>);
my %raw = map { open(my $in, '<:raw', $_) or die "$_: $!"; local $/; ($_ => scalar <$in>) } @files;
my %found;
my ($user, $system) = times;
for my $file (@files) {
    my $facts = eval { Sisimai->rise(\$raw{$file}, 'delivered' => 1, 'vacation' => 1) } || [];
    $found{$file} = [ map { { recipient => $_->recipient->address, reason => $_->reason } } @$facts ];
}
my ($user_after, $system_after) = times;
my $seconds = $user_after + $system_after - $user - $system;
my $json = JSON::PP->new->canonical->allow_blessed->convert_blessed;
print $json->encode({ found => \%found, seconds => $seconds }), "\n";
