"""XAuth beyond name and password: the scripted gateway asks as token servers, RADIUS and FortiGate
make gateways ask."""

import gateway
import godwit
import lab
from harness import case, require, require_equal
from lab import wait_until

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
USER = {**godwit.SCRIPTED, "auth": "xauth-psk", "user": gateway.USER}
LOGIN = {"ask": {"name": "", "password": ""},
         "want": {"name": gateway.USER, "password": gateway.PASSWORD}}
OTP = "/etc/godwit/otp"


def token(value, message="Enter your token code", **more):
    return {"ask": {"message": message, "passcode": ""}, "want": {"passcode": value}, **more}


def raised(bench, *questions, **options):
    bench.raise_scripted(xauth={"questions": list(questions), **options})


def program(bench, path, *answers):
    """A program on the laptop that notes its question and gives one answer after the other."""
    lines = "".join(f"{number}) echo '{answer}' ;;\n"
                    for number, answer in enumerate(answers, start=1))
    bench.lab.laptop.write(path, f"""#!/bin/sh
printf '%s\\n' "$1" >> {path}.log
echo >> {path}.count
case $(wc -l < {path}.count) in
{lines}*) exit 1 ;;
esac
""", mode=0o700)


def asked(bench, path):
    return bench.lab.laptop.run(["cat", f"{path}.log"]).stdout


@case
def otp_by_a_command(bench):
    """FortiGate: the token is asked for with type OTP once the password was right."""
    raised(bench, LOGIN, token("314159", type=2))
    program(bench, OTP, "314159")
    client = bench.connected({**USER, "otp-command": OTP})
    require("The gateway says: Enter your token code" in asked(bench, OTP),
            "the program does not see what the gateway says")
    for pid in client.pids():
        with open(f"/proc/{pid}/cmdline", "rb") as content:
            require(b"314159" not in content.read(), "the one-time password stands in cmdline")
    bench.disconnect(client)


@case
def otp_computed_from_its_secret(bench):
    raised(bench, LOGIN, token({"totp": SECRET}))
    bench.lab.laptop.write("/etc/godwit/office.totp", SECRET + "\n", mode=0o600)
    bench.disconnect(bench.connected({**USER, "totp-file": "/etc/godwit/office.totp"}))


@case
def otp_behind_the_password(bench):
    raised(bench, {**LOGIN, "want": {"name": gateway.USER, "password":
                                     {"totp": SECRET, "before": gateway.PASSWORD}}})
    bench.lab.laptop.write("/etc/godwit/office.totp",
                           f"otpauth://totp/Office:ada?secret={SECRET}&issuer=Office\n", mode=0o600)
    bench.disconnect(bench.connected({**USER, "totp-file": "/etc/godwit/office.totp",
                                      "otp": "append"}))


@case
def otp_in_the_field_of_the_password(bench):
    """RADIUS: an Access-Challenge comes as another question for name and password."""
    raised(bench, LOGIN, {"ask": {"message": "Enter OTP", "name": "", "password": ""},
                          "want": {"name": gateway.USER, "password": "271828"}})
    program(bench, OTP, "271828")
    bench.disconnect(bench.connected({**USER, "otp-command": OTP}))


@case
def wrong_otp(bench):
    raised(bench, LOGIN, token("314159"), verdict="Token rejected")
    program(bench, OTP, "000000")
    client = bench.client({**USER, "otp-command": OTP})
    bench.require_refused(client, godwit.USER_REJECTED, "one-time password",
                          "the gateway says: Token rejected")


@case
def otp_that_nobody_can_give(bench):
    raised(bench, LOGIN, token("314159"))
    client = bench.client(USER)
    bench.require_refused(client, godwit.INPUT_NEEDED, "asks for a one-time password",
                          "Enter your token code", "otp-command")


@case
def new_pin(bench):
    """RSA SecurID (draft, example A-6): a passcode, a question, a new PIN, the next passcode."""
    name_and = {"name": "", "passcode": ""}
    raised(bench,
           {"ask": name_and, "want": {"name": gateway.USER, "passcode": "1637364856"}},
           {"ask": {"message": "Your own PIN (y/n)?", "answer": ""}, "want": {"answer": "y"}},
           {"ask": {"message": "4-6 digits", "next-pin": ""}, "want": {"next-pin": "1234"}},
           {"ask": name_and, "want": {"name": gateway.USER, "passcode": "1234764456"}})
    program(bench, OTP, "1637364856", "1234764456")
    program(bench, "/etc/godwit/person", "y", "1234")
    client = bench.connected({**USER, "otp-command": OTP, "askpass": "/etc/godwit/person"})
    questions = asked(bench, "/etc/godwit/person")
    require("The gateway says: Your own PIN (y/n)?\nAnswer for office\n" in questions and
            "The gateway says: 4-6 digits\nNew PIN for office\n" in questions,
            f"the questions were: {questions}")
    require("refused" not in questions + asked(bench, OTP), "a new question is told as a refusal")
    bench.disconnect(client)


@case
def radius_chap(bench):
    raised(bench, {"ask": {"name": "", "password": "", "challenge": "\x01\x00\xff1234567890abc"},
                   "want": {"name": gateway.USER, "password": {"chap": gateway.PASSWORD}},
                   "type": 1})
    bench.disconnect(bench.connected(USER))


@case
def challenge_that_is_shown(bench):
    """RFC 2289: a word list or a program makes the answer from the challenge."""
    raised(bench, {"ask": {"name": "", "password": "", "challenge": "otp-md5 499 ke1234"},
                   "want": {"name": gateway.USER, "password": "5bf0 75d9 959d 036f"}, "type": 2})
    program(bench, OTP, "5bf0 75d9 959d 036f")
    client = bench.connected({**USER, "otp-command": OTP})
    require("challenge: otp-md5 499 ke1234" in asked(bench, OTP), "no challenge in the question")
    bench.disconnect(client)


@case
def domain_and_a_message_with_escapes(bench):
    raised(bench, {"ask": {"message": "Wel\x1b[2Jcome\x07", "name": "", "domain": "",
                           "password": ""},
                   "want": {"name": gateway.USER, "domain": "CORP",
                            "password": gateway.PASSWORD}})
    client = bench.client({**USER, "user-domain": "CORP"})
    done = bench.connect(client)
    require("the gateway says: Wel\\x1b[2Jcome\\x07" in done.stdout, f"it said: {done.stdout}")
    bench.disconnect(client)


@case(slow=True)
def success_without_a_question(bench):
    raised(bench)
    bench.require_refused(bench.client(USER), (godwit.NO_ANSWER, godwit.NO_ANSWER_AFTER_FLOAT))
    bench.disconnect(bench.connected({**USER, "xauth-optional": True}))


@case(slow=True)
def otp_is_new_when_phase_1_is_renewed(bench):
    raised(bench, LOGIN, token({"totp": SECRET}))
    bench.lab.laptop.write("/etc/godwit/office.totp", SECRET + "\n", mode=0o600)
    client = bench.connected({**USER, "totp-file": "/etc/godwit/office.totp",
                              "ike-lifetime": "1m"})
    wait_until(lambda: len(bench.lines("^user accepted")) >= 2, "the next phase 1", 110)
    require(not bench.said("^a code twice"), "a one-time password was sent twice")
    require(client.host.ping(lab.OFFICE), "no answer from the office after the renewal")
    bench.disconnect(client)


@case(slow=True)
def nobody_to_ask_when_phase_1_is_renewed(bench):
    """The tunnel is in the background, and its one-time password came from standard input."""
    raised(bench, LOGIN, token("314159"))
    client = bench.client({**USER, "otp-source": "stdin", "ike-lifetime": "1m"})
    done = client.host.run([client.program, "connect", client.name], check=False, input="314159\n")
    require_equal(done.returncode, godwit.OK, f"exit code of connect: {done.stderr}")
    wait_until(lambda: bench.lines("^answer 2 wrong"), "the question when phase 1 is renewed", 110)
    require(client.host.ping(lab.OFFICE), "the tunnel did not outlive the question")
    wait_until(lambda: not client.pids(), "the tunnel's end", 60)
    bench.require_untouched(client)
