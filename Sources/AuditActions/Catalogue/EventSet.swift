/// Event types that belong together, as the system they come from spells them.
public struct EventSet: Sendable, Hashable {
  /// `queue`, `ignite`, `tracker`, `ace`, or `own`.
  public let name: String
  /// Where the names come from.
  public let origin: String
  public let types: [ActionType]

  init(_ name: String, origin: String, _ types: [ActionType]) {
    self.name = name
    self.origin = origin
    self.types = types
  }

  /// What every queue service does and nobody else sees: the five kinds of Zaqar's action feed.
  public static let queue = EventSet(
    "queue", origin: "OpenStack Zaqar, action feed",
    [.messageDeleted, .messagesClaimed, .claimUpdated, .claimReleased, .claimExpired])

  /// Apache Ignite 3, `IgniteEventType`.
  public static let ignite = EventSet(
    "ignite", origin: "Apache Ignite 3, IEP-119",
    [
      "USER_AUTHENTICATION_SUCCESS", "USER_AUTHENTICATION_FAILURE", "CLIENT_CONNECTION_ESTABLISHED",
      "CLIENT_CONNECTION_CLOSED", "COMPUTE_JOB_QUEUED", "COMPUTE_JOB_EXECUTING", "COMPUTE_JOB_FAILED",
      "COMPUTE_JOB_COMPLETED", "COMPUTE_JOB_CANCELING", "COMPUTE_JOB_CANCELED", "COMPUTE_TASK_QUEUED",
      "COMPUTE_TASK_EXECUTING", "COMPUTE_TASK_FAILED", "COMPUTE_TASK_COMPLETED", "COMPUTE_TASK_CANCELED",
      "QUERY_STARTED", "QUERY_FINISHED", "REST_API_REQUEST_STARTED", "REST_API_REQUEST_FINISHED",
    ])

  /// CDAP Tracker, the types of its audit messages.
  public static let tracker = EventSet(
    "tracker", origin: "CDAP Tracker, AuditType",
    ["CREATE", "UPDATE", "TRUNCATE", "DELETE", "ACCESS", "METADATA_CHANGE"])

  /// Apache ACE, the constants of `org.apache.ace.log.AuditEvent`; its logs carry their numbers (1 to 9, 1001 to 1006,
  /// 2001 to 2003, 3001, 4001), in this order.
  public static let ace = EventSet(
    "ace", origin: "Apache ACE, AuditEvent",
    [
      "BUNDLE_INSTALLED", "BUNDLE_RESOLVED", "BUNDLE_STARTED", "BUNDLE_STOPPED", "BUNDLE_UNRESOLVED", "BUNDLE_UPDATED",
      "BUNDLE_UNINSTALLED", "BUNDLE_STARTING", "BUNDLE_STOPPING", "FRAMEWORK_INFO", "FRAMEWORK_WARNING",
      "FRAMEWORK_ERROR", "FRAMEWORK_REFRESH", "FRAMEWORK_STARTED", "FRAMEWORK_STARTLEVEL", "DEPLOYMENTADMIN_INSTALL",
      "DEPLOYMENTADMIN_UNINSTALL", "DEPLOYMENTADMIN_COMPLETE", "DEPLOYMENTCONTROL_INSTALL", "TARGETPROPERTIES_SET",
    ])

  /// Those that every catalogue has.
  public static let builtIn: [EventSet] = [.queue, .ignite, .tracker, .ace]
}
