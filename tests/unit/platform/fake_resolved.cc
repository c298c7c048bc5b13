#include "tests/unit/platform/fake_resolved.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>

#include "tests/unit/platform/support.h"

namespace godwit::platform::test {
namespace {

std::string describe(sd_bus_message* message) {
  const std::string member = sd_bus_message_get_member(message);
  int index = 0;
  sd_bus_message_read(message, "i", &index);
  std::string line = member + " " + std::to_string(index);
  const char* text = nullptr;
  int flag = 0;
  if (member == "SetLinkDNS") {
    sd_bus_message_enter_container(message, 'a', "(iay)");
    while (sd_bus_message_enter_container(message, 'r', "iay") > 0) {
      int family = 0;
      const void* octets = nullptr;
      std::size_t size = 0;
      sd_bus_message_read(message, "i", &family);
      sd_bus_message_read_array(message, 'y', &octets, &size);
      sd_bus_message_exit_container(message);
      line += " " + std::to_string(family) + ":";
      for (std::size_t i = 0; i < size; ++i) {
        const auto octet = static_cast<const std::uint8_t*>(octets)[i];
        line += {"0123456789abcdef"[octet >> 4], "0123456789abcdef"[octet & 15]};
      }
    }
  } else if (member == "SetLinkDomains") {
    sd_bus_message_enter_container(message, 'a', "(sb)");
    while (sd_bus_message_read(message, "(sb)", &text, &flag) > 0) {
      line += std::string(" ") + text + (flag != 0 ? "~" : "");
    }
  } else if (member == "SetLinkDefaultRoute") {
    sd_bus_message_read(message, "b", &flag);
    line += " " + std::to_string(flag);
  } else if (member == "SetLinkLLMNR" || member == "SetLinkMulticastDNS") {
    sd_bus_message_read(message, "s", &text);
    line += std::string(" ") + text;
  }
  return line + "\n";
}

int answer(sd_bus_message* message, void* log, sd_bus_error*) {
  const char* const interface = sd_bus_message_get_interface(message);
  if (interface == nullptr || std::string(interface) != "org.freedesktop.resolve1.Manager")
    return 0;
  const std::string line = describe(message);
  const Fd file(::open(static_cast<const std::string*>(log)->c_str(),
                       O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (::write(file.get(), line.data(), line.size()) < 0) return -EIO;
  return sd_bus_reply_method_return(message, "");
}

}  // namespace

FakeResolved::FakeResolved(const std::string& directory)
    : bus_(directory), log_(directory + "/calls") {}

bool FakeResolved::start() {
  if (!bus_.start()) return false;
  start_service();
  return true;
}

void FakeResolved::start_service() {
  bus_.start_service({"org.freedesktop.resolve1", "/org/freedesktop/resolve1", answer, &log_});
}

std::string FakeResolved::log() const { return read_text(log_); }

}  // namespace godwit::platform::test
