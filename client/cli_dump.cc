#include "client/cli_dump.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "client/exit_codes.h"
#include "core/config/options.h"

namespace godwit::client {
namespace {

using nlohmann::json;

json option_json(const CLI::Option& option) {
  const auto key = config::find_option(option.get_single_name());
  return {{"name", option.get_positional() ? option.get_single_name() : ""},
          {"short", option.get_snames()},
          {"long", option.get_lnames()},
          {"positional", option.get_positional()},
          {"takes_value", option.get_items_expected_max() > 0},
          {"metavar", option.get_type_name()},
          {"required", option.get_required()},
          {"profile_key", key != nullptr && !option.get_positional()},
          {"help", option.get_description()}};
}

// What is in no group is hidden from --help, and from here.
json command_json(const CLI::App& app) {
  json options = json::array();
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_group().empty()) options.push_back(option_json(*option));
  }
  json commands = json::array();
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!command->get_group().empty()) commands.push_back(command_json(*command));
  }
  return {{"name", app.get_name()},
          {"aliases", app.get_aliases()},
          {"help", app.get_description()},
          {"options", std::move(options)},
          {"commands", std::move(commands)}};
}

json key_json(const config::Option& option) {
  using enum config::OptionType;
  const bool path = option.type == kPath || option.type == kPathOrUri;
  return {{"key", option.key},
          {"metavar", option.metavar},
          {"words", option_words(option)},
          {"default", option.default_text},
          {"example", option.example},
          {"help", option.help},
          {"path", path},
          {"required", option.required}};
}

}  // namespace

std::string dump_cli(const CLI::App& app) {
  json keys = json::array();
  for (const config::Option& option : config::options()) keys.push_back(key_json(option));
  json codes = json::array();
  for (const ExitCodeInfo& row : exit_code_table()) {
    codes.push_back({{"code", number(row.code)},
                     {"slug", row.slug},
                     {"sentence", row.sentence},
                     {"remedy", row.remedy},
                     {"retry", retry_may_help(row.code)}});
  }
  const json all = {
      {"command", command_json(app)}, {"keys", std::move(keys)}, {"exit_codes", std::move(codes)}};
  return all.dump(1);
}

}  // namespace godwit::client
