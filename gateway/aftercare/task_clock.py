"""What time does to tasks: reminders, overdue and frozen ones, recurring tasks and birthdays, each told or made once."""
