import ActionEmitter
import AuditActions
import Dispatch
import Foundation
import Logging

/// Has a running command take its channels and event types anew from the configuration file when it gets SIGHUP. What
/// else the file says is taken at the next start.
///
/// A file that is not what it should be changes nothing: each of its problems is a line in the log.
struct EmissionReload: Sendable {
  let load: @Sendable () throws(ConfigurationError) -> Settings
  let logger: Logger
  /// Called with what the file says now.
  let apply: @Sendable (Settings) -> Void

  /// From now on until the process ends. Returns when the signal is taken.
  func start() async {
    signal(SIGHUP, SIG_IGN)
    let queue = DispatchQueue(label: "strandline.reload")
    await withCheckedContinuation { taken in
      let source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: queue)
      source.setEventHandler { [self, source] in
        // Holds the source for the life of the process.
        _ = source
        reload()
      }
      source.setRegistrationHandler { taken.resume() }
      source.resume()
    }
  }

  func reload() {
    do throws(ConfigurationError) {
      let settings = try load()
      apply(settings)
      let channels = settings.emission.channels.channels
      logger.notice(
        "The channels were taken anew",
        metadata: [
          "channels": "\(channels.count)", "enabled": "\(channels.count { $0.isEnabled })",
          "event_types": "\(settings.emission.own.count)",
        ])
    } catch {
      for problem in error.problems {
        logger.error("The channels stay as they are", metadata: ["problem": "\(problem)"])
      }
    }
  }
}

extension Settings {
  /// Whether event types outside the catalogue are refused.
  var takesOnlyKnownEvents: Bool { self[SettingsTable.strictEvents] ?? false }

  /// What is wanted from the beginning.
  func configure(_ configuration: inout ActionEmitterConfiguration) {
    configuration.catalogue = emission.catalogue
    configuration.takesOnlyKnownEvents = takesOnlyKnownEvents
    configuration.channels = emission.channels
    // Only when told: without its topic an emitter would ask Kafka for it in vain.
    if isGiven(SettingsTable.queuesTopic.definition) { configuration.queuesTopic = self[SettingsTable.queuesTopic] }
    // Else what queues do not say is left to the node.
    if isGiven(SettingsTable.auditDefault.definition), let policy = self[SettingsTable.auditDefault] {
      configuration.queueDefault = policy
    }
  }

  /// What is wanted from now on.
  func apply(to emitter: ActionEmitter) {
    emitter.setCatalogue(emission.catalogue, takesOnlyKnown: takesOnlyKnownEvents)
    emitter.setChannels(emission.channels)
  }
}
