import ArgumentParser

/// The command. Each subcommand has a file of its own in `Commands`.
struct Strandline: AsyncParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "strandline",
    abstract: "An audit action feed: queue workers emit actions, auditors read every one of them, page by page.",
    discussion: """
      Try it without anything else:

        strandline dev --demo

      Every setting can be given as a flag, as a STRANDLINE_ variable or in a YAML file, in this order of strength: \
      --default-ttl 600, STRANDLINE_DEFAULT_TTL=600, default-ttl: 600. 'strandline config print' shows what is in \
      effect and where it came from.

      \(ExitStatus.help)

      Completion for bash, zsh and fish: strandline --generate-completion-script bash
      """,
    version: version,
    subcommands: [
      DevCommand.self, ServeCommand.self, EmitCommand.self, ActionsCommand.self, FollowCommand.self, QueueCommand.self,
      TopicCommand.self, ArchiveCommand.self, SyncCommand.self, VerifyCommand.self, DoctorCommand.self,
      ConfigCommand.self,
    ])
}

@main
enum Main {
  static func main() async {
    EventLoops.fitToCores()
    do {
      var command = try Strandline.parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      CommandEnd(error).exit()
    }
  }
}
