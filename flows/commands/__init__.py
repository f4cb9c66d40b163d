"""The commands of `yuliao`: options in, functions of the other rooms called, tables out."""
