#include "client/cli.h"

int main(int argc, char** argv) { return godwit::client::run(argc, argv); }
