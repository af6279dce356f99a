# Asks SpamAssassin's VBounce, and nothing else of SpamAssassin, about the files named on standard input.
use strict;
use warnings;
use JSON::PP;
use Mail::SpamAssassin;

my ($rules) = @ARGV;
chomp(my @files = <STDIN>);
my %raw = map { open(my $in, '<:raw', $_) or die "$_: $!"; local $/; ($_ => scalar <$in>) } @files;
open(my $in, '<', $rules) or die "$rules: $!";
my $text = do { local $/; <$in> };
# Everything that comes back is somebody else's: recognition is asked for, not rescue.
$text = "loadplugin Mail::SpamAssassin::Plugin::Check\nloadplugin Mail::SpamAssassin::Plugin::VBounce\nutil_rb_tld com\n$text\nwhitelist_bounce_relays nobody.invalid\n";
my $filter = Mail::SpamAssassin->new({ config_text => $text, local_tests_only => 1, dont_copy_prefs => 1 });
$filter->compile_now(1);
my %found;
my ($user, $system) = times;
for my $file (@files) {
    my $mail = $filter->parse($raw{$file});
    my $status = $filter->check($mail);
    $found{$file} = $status->get_names_of_tests_hit =~ /\bANY_BOUNCE_MESSAGE\b/ ? 1 : 0;
    $status->finish;
    $mail->finish;
}
my ($user_after, $system_after) = times;
my $seconds = $user_after + $system_after - $user - $system;
print JSON::PP->new->canonical->encode({ found => \%found, seconds => $seconds }), "\n";
